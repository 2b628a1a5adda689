VIEW_DAY = "analytics.view_day"
VIEW_REPORTS = "analytics.view_reports"
