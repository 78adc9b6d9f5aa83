/* SPDX-License-Identifier: GPL-2.0 */
#ifndef METERS_REPORT_REPORT_H
#define METERS_REPORT_REPORT_H

/* /proc/meters: a line for each meter. */
int report_proc_add(void);
void report_proc_remove(void);

#endif
