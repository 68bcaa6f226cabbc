"""What the pages share. Pure: data in, component out; nothing here asks a service."""
