int base_answer(void);
