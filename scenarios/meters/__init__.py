"""What users' meters say: files of every kind, cleaned, with everything that was wrong named."""
