#include "bus/local.h"
