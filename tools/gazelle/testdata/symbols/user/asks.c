int a(void)
{
	return twice() + from_elsewhere() + many();
}
