#include "deeper.h"
int part(void) { return user_symbol(); }
EXPORT_SYMBOL(part);
