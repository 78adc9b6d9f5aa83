int a_symbol(void);
