VIEW_DAY = "analytics.view_day"
VIEW_REPORTS = "analytics.view_reports"
VIEW_OWN_FIGURES = "analytics.view_own_figures"
