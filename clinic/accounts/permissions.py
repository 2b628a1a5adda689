MANAGE_DIRECTORY = "accounts.manage_directory"
MANAGE_USERS = "accounts.manage_users"
