EXPORT_SYMBOL(left_uses_by_chance);
int right_f(void) { return left_export; }
