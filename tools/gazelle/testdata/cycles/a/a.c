#include "../b/b.h"
#include "a.h"
EXPORT_SYMBOL(a_symbol);
