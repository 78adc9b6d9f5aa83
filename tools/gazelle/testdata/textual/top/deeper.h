#include "deepest.c"
