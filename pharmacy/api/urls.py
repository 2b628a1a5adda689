from rest_framework.routers import SimpleRouter

from pharmacy.api.prescriptions import DispensingViewSet, PrescriptionViewSet
from pharmacy.api.stock import BatchViewSet, InventoryViewSet, MedicineViewSet, StockMovementViewSet, SupplierViewSet

router = SimpleRouter()
router.register("medicines", MedicineViewSet, "medicine")
router.register("suppliers", SupplierViewSet, "supplier")
router.register("batches", BatchViewSet, "batch")
router.register("stock-movements", StockMovementViewSet, "stock-movement")
router.register("inventory", InventoryViewSet, "inventory")
router.register("prescriptions", PrescriptionViewSet, "prescription")
router.register("dispensings", DispensingViewSet, "dispensing")

urlpatterns = router.urls
