#include "../base/base.h"
#include "../shared/limits.h"
int f(void) { return base_answer() + printk("extra_answer"); /* extra_answer() */ }
