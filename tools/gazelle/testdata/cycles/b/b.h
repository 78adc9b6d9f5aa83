int b_symbol(void);
