"""What an auditor takes away: bundles that prove themselves, event logs, signatures, redaction."""
