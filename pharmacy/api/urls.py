from django.urls import path
from rest_framework.routers import SimpleRouter

from pharmacy.api.batches import BatchViewSet
from pharmacy.api.catalogue import MedicineViewSet, SupplierViewSet
from pharmacy.api.dispensing import DispensingViewSet
from pharmacy.api.equivalents import EquivalentViewSet
from pharmacy.api.favourites import FavouriteViewSet
from pharmacy.api.prescriptions import PrescriptionViewSet
from pharmacy.api.purchasing import PurchaseOrderViewSet
from pharmacy.api.stock import InventoryViewSet, StockMovementViewSet
from pharmacy.api.stocktaking import StockTakeViewSet
from pharmacy.api.stores import StockTransferViewSet, StoreViewSet
from pharmacy.api.treatments import VisitTreatments

router = SimpleRouter()
router.register("medicines", MedicineViewSet, "medicine")
router.register("suppliers", SupplierViewSet, "supplier")
router.register("batches", BatchViewSet, "batch")
router.register("stock-movements", StockMovementViewSet, "stock-movement")
router.register("stores", StoreViewSet, "store")
router.register("stock-transfers", StockTransferViewSet, "stock-transfer")
router.register("inventory", InventoryViewSet, "inventory")
router.register("purchase-orders", PurchaseOrderViewSet, "purchase-order")
router.register("stock-takes", StockTakeViewSet, "stock-take")
router.register("prescriptions", PrescriptionViewSet, "prescription")
router.register("equivalents", EquivalentViewSet, "equivalent")
router.register("favourites", FavouriteViewSet, "favourite")
router.register("dispensings", DispensingViewSet, "dispensing")

urlpatterns = [
    path(
        "visits/<uuid:public_id>/treatments/",
        VisitTreatments.as_view({"get": "treatments", "post": "add_treatment"}),
        name="visit-treatments",
    ),
    *router.urls,
]
