int two_f(void) { return one_export(); }
EXPORT_SYMBOL(two_export);
