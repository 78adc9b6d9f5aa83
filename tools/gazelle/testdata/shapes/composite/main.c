#include "drv.h"
#include <drv/bus.h>
