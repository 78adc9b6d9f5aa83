#include <a/special.h>
