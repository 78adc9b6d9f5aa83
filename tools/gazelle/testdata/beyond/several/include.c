#include "part.c"
