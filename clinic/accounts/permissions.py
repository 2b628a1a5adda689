MANAGE_DIRECTORY = "accounts.manage_directory"
OPEN_BACK_OFFICE = "accounts.open_back_office"
MANAGE_USERS = "accounts.manage_users"
