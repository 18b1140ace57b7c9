"""Any data set with parts pasted into its samples."""
