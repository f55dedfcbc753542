"""What no app needs any more goes: when somebody asks for it, and once a day by itself."""
