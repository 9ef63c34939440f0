/**
 * ms. How long tests wait for processes, pages and each other before they call them hung: no measure of speed. A machine
 * with twenty other things to do takes minutes for what else takes seconds.
 */
export const patience = 600_000;
