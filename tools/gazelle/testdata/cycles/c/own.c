#include "../a/a.h"
static int a_symbol(void)
{
	return 1;
}
int other(void) { return a_symbol(); }
