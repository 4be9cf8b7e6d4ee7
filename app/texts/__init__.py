"""Every sentence that users read: one module per screen. Whatever comes from a project is escaped where it is shown."""
