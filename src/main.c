/*
 * main.c - options, daemon, signals, the order of start and stop.
 */
int main(void)
{
	return 0;
}
