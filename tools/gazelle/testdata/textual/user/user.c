EXPORT_SYMBOL(user_symbol);
