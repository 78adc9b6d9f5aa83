#include "base.h"
int base_answer(void) { return 42; }
EXPORT_SYMBOL_GPL(base_answer);
