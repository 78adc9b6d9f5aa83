#include "base.h"
static int x(void) { return base_answer(); }
EXPORT_SYMBOL(extra_answer);
