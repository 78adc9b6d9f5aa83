int left_f(void) { return left_uses_by_chance; }
EXPORT_SYMBOL(left_export);
