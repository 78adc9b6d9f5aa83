/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RINGLOG_EVENTS_H
#define RINGLOG_EVENTS_H

struct seq_file;

/* Prints what is kept, oldest first. */
int ringlog_show(struct seq_file *to, void *unused);

/* /proc/ringlog: appears with the module, and each write to it is an event. */
int ringlog_proc_add(void);
void ringlog_proc_remove(void);

/* Notes that something happened now. */
void ringlog_note(void);

#endif
