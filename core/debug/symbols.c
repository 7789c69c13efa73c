/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbols: one array sorted by address, one of indices sorted by name.
 *
 * libbfd reads the files; its own look-up by address walks every symbol, so
 * names are copied once into our arrays (30,000 of a Linux kernel in some
 * milliseconds).  Lines are different: reading them all costs a second for a
 * Linux kernel, so bfd is asked for the one address wanted, and what it
 * answered is kept in a small cache, because stepping by lines asks for the
 * same addresses again and again.
 *
 * From line to address there is no question that bfd answers.  But every
 * function's first line is cheap to learn: the function wanted is the one in
 * that file that begins last before the line, and its addresses are asked
 * one by one.
 *
 * Several files may be loaded (kernel, modules, user programs).  `limit` is
 * where a symbol's section ends: an address beyond belongs to nobody. */
#include "core/debug/symbols.h"

#define PACKAGE "vitrine"
#include <bfd.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"

enum { LINE_CACHE = 1024, MAP_REACH = 1 << 20 };

struct symbol {
	u32 addr;
	u32 limit; /* its part of memory ends here */
	char *name;
	u8 rank; /* among equals the highest is shown; 0: never by address */
	bool is_code;
	bool is_given; /* by symbols_give() */
	bool is_nameless; /* not found by name */
	bool is_found; /* by symbols_found() */
};

struct file {
	struct file *next;
	bfd *abfd;      /* owned; NULL for System.map */
	asymbol **syms; /* owned; bfd wants them for lines */
	u32 offset;     /* guest address minus the file's */
	bool has_frames; /* looked for: */
	struct cfi_section frames[2];
	bfd_byte *frame_bytes[2]; /* owned */
};

struct symbols {
	struct symbol *sym;
	size_t count, cap;
	u32 *by_name; /* indices into sym */
	size_t names; /* of them */
	size_t given; /* of sym */
	struct file *files;
	char here[512]; /* working directory and a slash */
	struct {
		u32 addr;
		bool known, found;
		struct source_line line;
	} cache[LINE_CACHE];
};

/* Source files below the working directory are named from there. */
static void note_directory(struct symbols *s)
{
	if (getcwd(s->here, sizeof(s->here) - 1))
		strcat(s->here, "/");
	else
		s->here[0] = '\0';
}

struct symbols *symbols_new(void)
{
	struct symbols *s = calloc(1, sizeof(*s));

	NEED_MEMORY(s, "symbols");
	bfd_init();
	note_directory(s);
	return s;
}

void symbols_clear(struct symbols *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->sym[i].name);
	free(s->sym);
	free(s->by_name);
	while (s->files) {
		struct file *f = s->files;

		s->files = f->next;
		if (f->abfd)
			bfd_close(f->abfd);
		free(f->syms);
		free(f->frame_bytes[0]);
		free(f->frame_bytes[1]);
		free(f);
	}
	memset(s, 0, sizeof(*s));
	note_directory(s);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	symbols_clear(s);
	free(s);
}

size_t symbols_count(const struct symbols *s)
{
	return s->count - s->given;
}

/* Where symbol i ends: at the next address that has a name. */
static u32 end_of(const struct symbols *s, size_t i)
{
	u32 addr = s->sym[i].addr, limit = s->sym[i].limit;

	while (++i < s->count && s->sym[i].addr == addr)
		;
	return i < s->count && s->sym[i].addr < limit ? s->sym[i].addr : limit;
}

void symbols_list(const struct symbols *s, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct symbol *y = &s->sym[i];

		if (!y->is_given && y->rank)
			buf_printf(out, "%08x %x %c %s\n", y->addr,
				   end_of(s, i) - y->addr,
				   y->is_code ? 'T' : 'D', y->name);
	}
}

/* ---- filling ---- */

static void add(struct symbols *s, const char *name, u32 addr, u32 limit,
		u8 rank, bool is_code)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->sym = realloc(s->sym, s->cap * sizeof(*s->sym));
		NEED_MEMORY(s->sym, "%zu symbols", s->cap);
	}
	s->sym[s->count] =
		(struct symbol){addr, limit, check_copy(name), rank, is_code,
				false, false, false};
	NEED_MEMORY(s->sym[s->count].name, "a symbol");
	s->count++;
}

static int order_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(y->name, x->name);
}

static int order_name(const void *a, const void *b, void *arg)
{
	const struct symbol *sym = arg;
	const u32 *x = a, *y = b;
	int order = strcmp(sym[*x].name, sym[*y].name);

	return order ? order : *x < *y ? -1 : *x > *y;
}

static void sort(struct symbols *s)
{
	s->names = 0;
	if (!s->count)
		return;
	qsort(s->sym, s->count, sizeof(*s->sym), order_address);
	free(s->by_name);
	s->by_name = malloc((s->count + 1) * sizeof(u32));
	NEED_MEMORY(s->by_name, "%zu symbols", s->count);
	s->names = 0;
	for (u32 i = 0; i < s->count; i++)
		if (!s->sym[i].is_nameless)
			s->by_name[s->names++] = i;
	qsort_r(s->by_name, s->names, sizeof(u32), order_name, s->sym);
	memset(s->cache, 0, sizeof(s->cache));
}

static void silent(const char *fmt, va_list ap)
{
	(void)fmt;
	(void)ap;
}

static u8 rank_of(flagword flags)
{
	return (u8)(1 + (flags & BSF_FUNCTION ? 4 : 0) +
		    (flags & BSF_GLOBAL ? 2 : 0) +
		    (flags & BSF_OBJECT ? 1 : 0));
}

static void add_bfd_symbol(struct symbols *s, const asymbol *a, u32 offset)
{
	const asection *sec = bfd_asymbol_section(a);
	u32 addr = (u32)bfd_asymbol_value(a), limit;

	if (a->flags & (BSF_DEBUGGING | BSF_SECTION_SYM | BSF_FILE) ||
	    !a->name || !*a->name || !strncmp(a->name, ".L", 2) ||
	    bfd_is_und_section(sec) || bfd_is_com_section(sec))
		return;
	if (bfd_is_abs_section(sec)) {
		add(s, a->name, addr, addr, 0, false);
		return;
	}
	limit = (u32)(bfd_section_vma(sec) + bfd_section_size(sec)) + offset;
	add(s, a->name, addr + offset, limit,
	    bfd_section_flags(sec) & SEC_ALLOC ? rank_of(a->flags) : 0,
	    bfd_section_flags(sec) & SEC_CODE);
}

static u32 lowest_code(bfd *abfd)
{
	const asection *sec = bfd_get_section_by_name(abfd, ".text");
	u32 lowest = UINT32_MAX;

	if (sec)
		return (u32)bfd_section_vma(sec);
	for (sec = abfd->sections; sec; sec = sec->next)
		if (bfd_section_flags(sec) & SEC_CODE &&
		    bfd_section_vma(sec) < lowest)
			lowest = (u32)bfd_section_vma(sec);
	return lowest;
}

/* Takes `abfd` over when it returns 0 or more. */
static int add_bfd(struct symbols *s, bfd *abfd, s64 at)
{
	long size = bfd_get_symtab_upper_bound(abfd), n = 0;
	struct file *f = calloc(1, sizeof(*f));

	NEED_MEMORY(f, "a symbol file");
	f->abfd = abfd;
	f->offset = at >= 0 ? (u32)at - lowest_code(abfd) : 0;
	if (size > 0) {
		f->syms = malloc((size_t)size);
		NEED_MEMORY(f->syms, "%ld bytes", size);
		n = bfd_canonicalize_symtab(abfd, f->syms);
	}
	for (long i = 0; i < n; i++)
		add_bfd_symbol(s, f->syms[i], f->offset);
	f->next = s->files;
	s->files = f;
	return n < 0 ? 0 : (int)n;
}

/* "c0100000 T startup_32", as nm and Linux's System.map have it; from
 * /proc/kallsyms perhaps with the module's name behind.  Text, that is: an old
 * bzImage begins with what scanf takes for a digit. */
static bool map_line(const char *line, u32 *addr, char *kind, char name[256])
{
	int number = 0, letter = 0, end = 0;

	if (sscanf(line, "%x%n %c%n %255s %n", addr, &number, kind, &letter,
		   name, &end) != 3 || !end)
		return false;
	if (!isblank((unsigned char)line[number]) ||
	    !isblank((unsigned char)line[letter]) ||
	    (line[end] && line[end] != '['))
		return false;
	for (const char *c = name; *c; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return isalpha((unsigned char)*kind) || *kind == '?';
}

void symbols_put(struct symbols *s, const char *name, u32 addr, char type)
{
	bool absolute = toupper((unsigned char)type) == 'A';

	add(s, name, addr,
	    addr < UINT32_MAX - MAP_REACH ? addr + MAP_REACH : UINT32_MAX,
	    absolute ? 0 : (u8)(isupper((unsigned char)type) ? 3 : 1),
	    toupper((unsigned char)type) == 'T');
}

void symbols_found(struct symbols *s, const char *name, u32 addr, char type)
{
	symbols_put(s, name, addr, type);
	s->sym[s->count - 1].is_found = true;
}

void symbols_ready(struct symbols *s)
{
	sort(s);
}

/* How many, or -1 when the first line (kept in `line`) is no symbol's. */
static int add_map(struct symbols *s, FILE *in, s64 at, char line[512])
{
	char name[256], kind;
	int count = 0;
	u32 addr;

	*line = '\0';
	while (fgets(line, 512, in)) {
		if (!map_line(line, &addr, &kind, name)) {
			if (!count)
				return -1;
			continue;
		}
		symbols_put(s, name, addr + (at > 0 ? (u32)at : 0), kind);
		count++;
	}
	return count ? count : -1;
}

/* Debian's System.map is one line that says where the real one is: what the
 * file says is shown when it can be. */
static int no_symbols(const char *path, char *line, struct err *e)
{
	size_t n = strcspn(line, "\n");

	line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)line[i]))
			n = 0;
	if (!n)
		return err_set(e, "%s: neither an ELF file nor a System.map",
			       path);
	return err_set(e,
		       "%s: neither an ELF file nor a System.map; it says "
		       "`%.100s'",
		       path, line);
}

static bool is_file(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st))
		err_set(e, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err_set(e, "%s: not a regular file", path);
	else
		return true;
	return false;
}

/* bfd 2.40 writes what it finds wrong with a file past its error handler. */
static bool is_object(bfd *abfd)
{
	FILE *null = fopen("/dev/null", "we"), *before = stderr;
	bool is;

	if (null)
		stderr = null;
	is = bfd_check_format(abfd, bfd_object);
	stderr = before;
	if (null)
		fclose(null);
	return is;
}

/* An ELF file's bfd, owned by the caller; NULL when it is something else. */
static bfd *open_elf(const char *path)
{
	bfd *abfd;

	bfd_set_error_handler(silent);
	abfd = bfd_openr(path, NULL);
	if (!abfd)
		return NULL;
	abfd->flags |= BFD_DECOMPRESS;
	if (is_object(abfd) &&
	    bfd_get_flavour(abfd) == bfd_target_elf_flavour)
		return abfd;
	bfd_close(abfd);
	return NULL;
}

int symbols_add(struct symbols *s, const char *path, s64 at, struct err *e)
{
	char line[512];
	int count;
	bfd *abfd;
	FILE *in;

	if (!is_file(path, e))
		return -1;
	in = fopen(path, "re");
	if (!in)
		return err_set(e, "%s: %s", path, strerror(errno));
	abfd = open_elf(path);
	count = abfd ? add_bfd(s, abfd, at) : add_map(s, in, at, line);
	fclose(in);
	sort(s);
	return count < 0 ? no_symbols(path, line, e) : count;
}

bool symbols_are_given(const struct symbols *s)
{
	return s->given;
}

/* Those of which `which` is true go. */
static void drop(struct symbols *s, bool (*which)(const struct symbol *sym))
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (which(&s->sym[i]))
			free(s->sym[i].name);
		else
			s->sym[kept++] = s->sym[i];
	s->count = kept;
}

static bool is_given(const struct symbol *sym)
{
	return sym->is_given;
}

static bool is_found(const struct symbol *sym)
{
	return sym->is_found;
}

void symbols_lose(struct symbols *s)
{
	drop(s, is_found);
	sort(s);
}

void symbols_give(struct symbols *s, const struct symbol_given *list, size_t n)
{
	drop(s, is_given);
	s->given = n;
	for (; n; n--, list++) {
		add(s, list->name, list->addr, list->addr + list->len,
		    1 + 4 + 2, true);
		s->sym[s->count - 1].is_given = true;
		s->sym[s->count - 1].is_nameless = !list->by_name;
	}
	sort(s);
}

/* ---- asking ---- */

/* First index in by_name whose name is not below `name`. */
static size_t lower_name(const struct symbols *s, const char *name)
{
	size_t lo = 0, hi = s->names;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(s->sym[s->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* First index in sym whose address is above `addr`. */
static size_t upper_address(const struct symbols *s, u32 addr)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->sym[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool symbols_address(const struct symbols *s, const char *name, u32 *addr)
{
	size_t i = lower_name(s, name);

	if (i == s->names || strcmp(s->sym[s->by_name[i]].name, name))
		return false;
	*addr = s->sym[s->by_name[i]].addr;
	return true;
}

const char *symbols_name(const struct symbols *s, u32 addr, u32 *offset)
{
	size_t i = upper_address(s, addr);

	while (i > 0 && !s->sym[i - 1].rank)
		i--;
	if (!i || (addr >= s->sym[i - 1].limit && addr != s->sym[i - 1].addr))
		return NULL;
	if (offset)
		*offset = addr - s->sym[i - 1].addr;
	return s->sym[i - 1].name;
}

u32 symbols_linked(const struct symbols *s, u32 addr)
{
	for (const struct file *f = s->files; f; f = f->next) {
		if (!f->abfd)
			continue;
		for (asection *sec = f->abfd->sections; sec; sec = sec->next) {
			u32 lma = (u32)bfd_section_lma(sec);

			if (bfd_section_flags(sec) & SEC_ALLOC && addr >= lma &&
			    addr - lma < bfd_section_size(sec))
				return addr - lma + (u32)bfd_section_vma(sec) +
				       f->offset;
		}
	}
	return addr;
}

u32 symbols_next(const struct symbols *s, u32 addr)
{
	for (size_t i = upper_address(s, addr); i < s->count; i++)
		if (s->sym[i].rank)
			return s->sym[i].addr;
	return 0;
}

const char *symbols_complete(const struct symbols *s, const char *prefix,
			     size_t index)
{
	size_t i = lower_name(s, prefix) + index;

	if (i >= s->names ||
	    strncmp(s->sym[s->by_name[i]].name, prefix, strlen(prefix)))
		return NULL;
	return s->sym[s->by_name[i]].name;
}

bool symbols_at(const struct symbols *s, size_t index, struct symbol_view *v)
{
	const struct symbol *sym;

	if (index >= s->names)
		return false;
	sym = &s->sym[s->by_name[index]];
	*v = (struct symbol_view){sym->name, sym->addr, sym->is_code};
	return true;
}

unsigned word_distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[64], n = (unsigned)strlen(b);

	if (n + 1 > ARRAY_LEN(row) || strlen(a) + 1 > ARRAY_LEN(row))
		return limit + 1;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned left_above = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned above = row[j];
			unsigned best = left_above + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			left_above = above;
		}
	}
	return row[n];
}

/* The shortest name with `part` in it, as __ia32_sys_fork for sys_fork. */
static const char *longer_name(const struct symbols *s, const char *part)
{
	const struct symbol *found = NULL;

	if (strlen(part) < 4)
		return NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct symbol *sym = &s->sym[i];

		if ((!found || strlen(sym->name) < strlen(found->name)) &&
		    strstr(sym->name, part))
			found = sym;
	}
	return found ? found->name : NULL;
}

const char *symbols_similar(const struct symbols *s, const char *name)
{
	unsigned best = strlen(name) > 5 ? 3 : 2;
	const struct symbol *found = NULL;

	for (size_t i = 0; i < s->count; i++) {
		unsigned d = word_distance(name, s->sym[i].name, best);

		if (d < best) {
			best = d;
			found = &s->sym[i];
		}
	}
	return found ? found->name : longer_name(s, name);
}

/* ---- lines ---- */

static bool ask_file(const struct file *f, u32 at, struct source_line *l)
{
	for (asection *sec = f->abfd->sections; sec; sec = sec->next) {
		u32 vma = (u32)bfd_section_vma(sec);
		const char *file = NULL, *function = NULL;
		unsigned line = 0;

		if (!(bfd_section_flags(sec) & SEC_CODE) || at < vma ||
		    at - vma >= bfd_section_size(sec))
			continue;
		if (bfd_find_nearest_line(f->abfd, sec, f->syms, at - vma,
					  &file, &function, &line) &&
		    file && line) {
			*l = (struct source_line){file, line};
			return true;
		}
	}
	return false;
}

static bool ask_bfd(struct symbols *s, u32 addr, struct source_line *l)
{
	size_t n = strlen(s->here);

	for (struct file *f = s->files; f; f = f->next) {
		if (!f->abfd || !ask_file(f, addr - f->offset, l))
			continue;
		if (n && !strncmp(l->file, s->here, n))
			l->file += n;
		return true;
	}
	return false;
}

bool symbols_line(struct symbols *s, u32 addr, struct source_line *l)
{
	unsigned slot = (addr ^ addr >> 10) % LINE_CACHE;

	if (!s->cache[slot].known || s->cache[slot].addr != addr) {
		s->cache[slot].addr = addr;
		s->cache[slot].known = true;
		s->cache[slot].found = ask_bfd(s, addr, &s->cache[slot].line);
	}
	*l = s->cache[slot].line;
	return s->cache[slot].found;
}

/* ---- frames ---- */

static void read_frames(struct file *f)
{
	static const char *const names[] = {".debug_frame", ".eh_frame"};

	f->has_frames = true;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		asection *sec = bfd_get_section_by_name(f->abfd, names[i]);

		if (!sec || !bfd_malloc_and_get_section(f->abfd, sec,
							&f->frame_bytes[i]))
			continue;
		f->frames[i] = (struct cfi_section){
			f->frame_bytes[i], bfd_section_size(sec),
			(u32)bfd_section_vma(sec), i == 1};
	}
}

bool symbols_frame(struct symbols *s, u32 addr, struct cfi_row *row)
{
	for (struct file *f = s->files; f; f = f->next) {
		if (!f->abfd)
			continue;
		if (!f->has_frames)
			read_frames(f);
		for (unsigned i = 0; i < ARRAY_LEN(f->frames); i++)
			if (cfi_find(&f->frames[i], addr - f->offset, row))
				return true;
	}
	return false;
}

/* Is `part` ("sched.c", "kernel/sched.c") the end of `path`? */
static bool path_ends(const char *path, const char *part)
{
	size_t n = strlen(path), m = strlen(part);

	return m <= n && !strcmp(path + n - m, part) &&
	       (m == n || path[n - m - 1] == '/');
}

/* The functions of `file` that begin last at or before the line (`before`)
 * and first behind it (`behind`); NULL when there is none. */
static void functions_near(struct symbols *s, const char *file, unsigned line,
			   const struct symbol **before,
			   const struct symbol **behind)
{
	unsigned last = 0, first = UINT32_MAX;
	struct source_line l;

	*before = *behind = NULL;
	for (size_t i = 0; i < s->count; i++) {
		if (!s->sym[i].is_code || !s->sym[i].rank ||
		    !symbols_line(s, s->sym[i].addr, &l) ||
		    !path_ends(l.file, file))
			continue;
		if (l.line <= line && l.line > last) {
			*before = &s->sym[i];
			last = l.line;
		} else if (l.line > line && l.line < first) {
			*behind = &s->sym[i];
			first = l.line;
		}
	}
}

/* The lowest line at or behind `line` within one function. */
static bool line_in(struct symbols *s, const struct symbol *in,
		    const char *file, unsigned line, u32 *addr)
{
	u32 end = symbols_next(s, in->addr);
	unsigned best = UINT32_MAX;
	struct source_line l;

	if (end <= in->addr || end > in->limit)
		end = in->limit;
	for (u32 a = in->addr; a < end; a++)
		if (symbols_line(s, a, &l) && path_ends(l.file, file) &&
		    l.line >= line && l.line < best) {
			best = l.line;
			*addr = a;
		}
	return best != UINT32_MAX;
}

bool symbols_line_address(struct symbols *s, const char *file, unsigned line,
			  u32 *addr)
{
	const struct symbol *before, *behind;

	functions_near(s, file, line, &before, &behind);
	if (before && line_in(s, before, file, line, addr))
		return true;
	if (behind)
		*addr = behind->addr;
	return behind;
}
