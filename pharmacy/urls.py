from django.urls import path, register_converter

from pharmacy.views import counter, favourites, leaflets, prescribing, purchasing, recall, stock, stocktaking, treatments, verifying

register_converter(stock.BatchStateConverter, "batch_state")

app_name = "pharmacy"

urlpatterns = [
    path("counter/", counter.worklist, name="worklist"),
    path("counter/<uuid:prescription>/", counter.dispense, name="dispense"),
    path("dispensings/<uuid:dispense>/return/", counter.give_back, name="return"),
    path("dispensings/<uuid:dispense>/labels/", counter.labels, name="labels"),
    path("dispensings/<uuid:dispense>/labels.pdf", counter.label_roll, name="label_roll"),
    path("dispensings/<uuid:dispense>/leaflet/", leaflets.leaflet, name="leaflet"),
    path("dispensings/<uuid:dispense>/leaflet.pdf", leaflets.leaflet_sheet, name="leaflet_sheet"),
    path("prescriptions/<uuid:prescription>/print/", counter.paper, name="print"),
    path("papers/<uuid:code>/", verifying.verify, name="verify"),
    path("stock/", stock.stock, name="stock"),
    path("stock/reorder/", stock.reorder, name="reorder"),
    path("orders/", purchasing.orders, name="orders"),
    path("orders/new/", purchasing.new_order, name="new_order"),
    path("orders/<uuid:order>/", purchasing.order, name="order"),
    path("orders/<uuid:order>/receive/<uuid:line>/", purchasing.receive, name="receive_order"),
    path("orders/<uuid:order>/cancel/", purchasing.cancel, name="cancel_order"),
    path("suppliers/", purchasing.suppliers, name="suppliers"),
    path("stock/takes/", stocktaking.stock_takes, name="stock_takes"),
    path("stock/takes/<uuid:take>/", stocktaking.stock_take, name="stock_take"),
    path("stock/takes/<uuid:take>/counts/", stocktaking.write_counts, name="write_counts"),
    path("stock/takes/<uuid:take>/approve/", stocktaking.approve, name="approve_stock_take"),
    path("stock/takes/<uuid:take>/drop/", stocktaking.drop, name="drop_stock_take"),
    path("stock/<uuid:medicine>/", stock.medicine, name="medicine"),
    path("stock/<uuid:medicine>/register/", stock.register, name="register"),
    path("stock/<uuid:medicine>/leaflet/", leaflets.medicine_leaflet, name="medicine_leaflet"),
    path("stock/<uuid:medicine>/receive/", stock.receive, name="receive"),
    path("batches/<uuid:batch>/recipients/", recall.recipients, name="recipients"),
    path("batches/<uuid:batch>/calls/", recall.call, name="recall_call"),
    path("batches/<uuid:batch>/adjust/", stock.adjust, name="adjust"),
    path("batches/<uuid:batch>/<batch_state:to>/", stock.change_state, name="change_batch_state"),
    path("treatments/<uuid:encounter>/", treatments.add_treatment, name="add_treatment"),
    path("treatments/<uuid:encounter>/<uuid:treatment>/remove/", treatments.remove_treatment, name="remove_treatment"),
    path("prescribing/medicines/", prescribing.suggest, name="suggest"),
    path("prescribing/quantity/", prescribing.quantity, name="quantity"),
    path("prescribing/<uuid:encounter>/", prescribing.page, name="prescribing"),
    path("prescribing/<uuid:encounter>/lines/", prescribing.add_line, name="add_line"),
    path("prescribing/lines/<uuid:item>/remove/", prescribing.remove_line, name="remove_line"),
    path("prescribing/<uuid:encounter>/repeat/", favourites.repeat, name="repeat_last"),
    path("prescribing/<uuid:encounter>/favourites/<uuid:favourite>/", favourites.use, name="use_favourite"),
    path("prescribing/<uuid:encounter>/favourites/<uuid:favourite>/drop/", favourites.drop, name="drop_favourite"),
    path("prescribing/lines/<uuid:item>/keep/", favourites.keep, name="keep_favourite"),
    path("prescriptions/<uuid:prescription>/sign/", prescribing.sign, name="sign"),
    path("prescriptions/<uuid:prescription>/cancel/", prescribing.cancel, name="cancel"),
]
