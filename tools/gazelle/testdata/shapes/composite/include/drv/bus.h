struct bus;
