"""Every message that travels, one module for each way."""
