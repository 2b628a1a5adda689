VIEW_LOG = "audit.view_log"
