int one_f(void) { return two_export(); }
EXPORT_SYMBOL(one_export);
