#include "../a/a.h"
#include "b.h"
EXPORT_SYMBOL(b_symbol);
