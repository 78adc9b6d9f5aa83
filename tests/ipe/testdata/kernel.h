/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of security/ipe need of the kernel, as a program in user space. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;

#define __rcu
#define GFP_KERNEL 0
#define fallthrough __attribute__((__fallthrough__))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define READ_ONCE(x) (x)
#define WARN(condition, ...) (condition)
#define rcu_read_lock()
#define rcu_read_unlock()
#define rcu_dereference(pointer) (pointer)

#define ERR_PTR(error) ((void *)(long)(error))
#define PTR_ERR(pointer) ((long)(pointer))
#define IS_ERR(pointer) ((unsigned long)(void *)(pointer) >= (unsigned long)-4095)
#define IS_ERR_OR_NULL(pointer) (!(pointer) || IS_ERR(pointer))

#define kzalloc(size, flags) calloc(1, size)
#define kzalloc_obj(object, ...) calloc(1, sizeof(object))
#define kfree(pointer) free((void *)(pointer))
#define kstrndup(text, size, flags) strndup(text, size)

static char *kmemdup_nul(const char *text, size_t size, int flags)
{
	char *copy = calloc(1, size + 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* lib/ctype.c: of Latin-1 */
static int isspace(int c)
{
	c &= 0xff;
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0xa0;
}

static int isdigit(int c) { return c >= '0' && c <= '9'; }

/* lib/kstrtox.c: base 10, an optional sign before, an optional newline after */
static int kstrtou16(const char *s, unsigned int base, u16 *result)
{
	unsigned long value = 0;

	s += *s == '+';
	if (!isdigit(*s))
		return -EINVAL;
	for (; isdigit(*s); s++)
		if ((value = 10 * value + *s - '0') > 0xffff)
			return -ERANGE;
	s += *s == '\n';
	*result = value;
	return *s ? -EINVAL : 0;
}

/* lib/hexdump.c */
static int hex_to_bin(unsigned char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;

	return found ? found - digits : -1;
}

static int hex2bin(u8 *out, const char *text, size_t count)
{
	for (; count--; text += 2) {
		int high = hex_to_bin(text[0]);
		int low = high < 0 ? -1 : hex_to_bin(text[1]);

		if (low < 0)
			return -EINVAL;
		*out++ = high << 4 | low;
	}
	return 0;
}

#define simple_strtol strtol
#define simple_strtoul strtoul

struct list_head {
	struct list_head *next, *prev;
};

#define INIT_LIST_HEAD(list) ((list)->next = (list)->prev = (list))
#define list_entry(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define list_for_each_entry(entry, head, member) \
	for (entry = list_entry((head)->next, typeof(*entry), member); &entry->member != (head); \
	     entry = list_entry(entry->member.next, typeof(*entry), member))
#define list_for_each_entry_safe(entry, following, head, member) \
	for (entry = list_entry((head)->next, typeof(*entry), member), \
	     following = list_entry(entry->member.next, typeof(*entry), member); \
	     &entry->member != (head); \
	     entry = following, following = list_entry(following->member.next, typeof(*entry), member))

static bool list_empty(const struct list_head *head) { return head->next == head; }

static void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

/* A file for which a policy is evaluated. fs-verity: the digest is that of the file that main.c evaluates. */
#define CONFIG_IPE_PROP_DM_VERITY 1
#define CONFIG_IPE_PROP_DM_VERITY_SIGNATURE 1
#define CONFIG_IPE_PROP_FS_VERITY 1
#define CONFIG_IPE_PROP_FS_VERITY_BUILTIN_SIG 1
#define FS_VERITY_MAX_DIGEST_SIZE 64

enum hash_algo { HASH_ALGO_SHA256 };
enum ipe_hook_type { IPE_HOOK };

static const char *const hash_algo_name[] = { "sha256" };
static const int hash_digest_size[] = { 32 };

struct audit_buffer;
struct dentry;
struct file;
struct mutex;
struct inode {
	const u8 *digest;
};

#define IS_VERITY(inode) ((inode)->digest != NULL)

static int fsverity_get_digest(struct inode *inode, u8 *digest, u8 *algorithm, enum hash_algo *hash)
{
	if (!IS_VERITY(inode))
		return 0;
	*hash = HASH_ALGO_SHA256;
	memcpy(digest, inode->digest, 32);
	return 32;
}

#define audit_log_untrustedstring(buffer, text)
#define audit_log_format(buffer, ...)
#define audit_log_n_hex(buffer, bytes, size)
#define ipe_audit_match(...)
