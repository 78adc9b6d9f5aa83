int b = three_only;
