int b = many;
