/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies where in guest-physical memory.
 *
 * RAM is one memfd from physical 0 up: mapped once here, and again, page by
 * page, in every window.  The adapter hole (A0000h-FFFFFh) is RAM like the
 * rest: the text screen is read from it, ROM images are written into it and
 * then protected.  Device ranges are a short list; whatever is left reads
 * all ones and ignores writes, as an empty bus does. */
#include "core/mem/mem_priv.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map_ram(struct mem *m, struct err *e)
{
	m->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (m->fd < 0)
		return err_set(e, "guest memory: %s", strerror(errno));
	if (ftruncate(m->fd, (off_t)m->ram_size) < 0)
		return err_set(e, "guest memory of %llu MiB: %s",
			       (unsigned long long)(m->ram_size >> 20),
			       strerror(errno));
	m->ram = mmap(NULL, m->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      m->fd, 0);
	if (m->ram == MAP_FAILED) {
		m->ram = NULL;
		return err_set(e, "guest memory of %llu MiB: %s",
			       (unsigned long long)(m->ram_size >> 20),
			       strerror(errno));
	}
	return 0;
}

struct mem *mem_new(u64 size, struct err *e)
{
	struct mem *m;

	if (size < (1u << 20) || size > (3ull << 30) || size % GUEST_PAGE) {
		err_set(e, "guest memory must be 1M to 3G");
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		err_set(e, "no memory");
		return NULL;
	}
	m->ram_size = size;
	m->fd = -1;
	m->page_flags = calloc(1, 1u << 20);
	m->watched = calloc(1u << 20, sizeof(*m->watched));
	m->read_watched = calloc(1u << 20, sizeof(*m->read_watched));
	if (!m->page_flags || !m->watched || !m->read_watched) {
		err_set(e, "no memory");
		mem_free(m);
		return NULL;
	}
	if (map_ram(m, e) < 0) {
		mem_free(m);
		return NULL;
	}
	memset(m->page_flags, PAGE_RAM, size >> 12);
	tlb_init(m);
	return m;
}

void mem_free(struct mem *m)
{
	if (!m)
		return;
	if (m->ram)
		munmap(m->ram, m->ram_size);
	if (m->fd >= 0)
		close(m->fd);
	free(m->watched);
	free(m->read_watched);
	free(m->page_flags);
	free(m);
}

void mem_clear(struct mem *m)
{
	if (fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)m->ram_size) < 0)
		memset(m->ram, 0, m->ram_size);
	for (u64 i = 0; i < m->ram_size >> 12; i++)
		m->page_flags[i] &= (u8)~PAGE_ROM;
	tlb_init(m);
}

_Static_assert(MEM_KEPT == (PAGE_ROM | PAGE_TABLE), "as mem.h has them");

u8 mem_page_kept(const struct mem *m, gpa_t gpa)
{
	return m->page_flags[gpa >> 12] & MEM_KEPT;
}

void mem_keep_page(struct mem *m, gpa_t gpa, u8 bits)
{
	m->page_flags[gpa >> 12] &= (u8)~MEM_KEPT;
	m->page_flags[gpa >> 12] |= bits & MEM_KEPT;
}

/* The host knows which pages were never touched, and looking at those would
 * have it make them. */
gpa_t mem_next_used(struct mem *m, gpa_t gpa)
{
	off_t at = lseek(m->fd, (off_t)gpa, SEEK_DATA);

	if (at < 0)
		return errno == ENXIO ? m->ram_size : gpa;
	return (gpa_t)at & ~(gpa_t)(GUEST_PAGE - 1);
}

gpa_t mem_next_unused(struct mem *m, gpa_t gpa)
{
	off_t at = lseek(m->fd, (off_t)gpa, SEEK_HOLE);

	return at < 0 ? m->ram_size : (gpa_t)at & ~(gpa_t)(GUEST_PAGE - 1);
}

u64 mem_ram_size(const struct mem *m)
{
	return m->ram_size;
}

void mem_set_hooks(struct mem *m, const struct mem_hooks *hooks)
{
	m->hooks = *hooks;
}

void mem_on_mmio(struct mem *m,
		 void (*fn)(void *arg, gpa_t gpa, unsigned size, bool write,
			    u32 value),
		 void *arg)
{
	m->on_mmio = fn;
	m->mmio_arg = arg;
}

void *mem_phys_ptr(struct mem *m, gpa_t gpa, u64 len)
{
	if (gpa > m->ram_size || len > m->ram_size - gpa)
		return NULL;
	return m->ram + gpa;
}

int mem_add_mmio(struct mem *m, const struct mmio *range, struct err *e)
{
	if (m->mmio_count == MMIO_MAX)
		return err_set(e, "%s: too many device ranges", range->name);
	if (range->base < m->ram_size)
		return err_set(e, "%s: device range lies in RAM", range->name);
	m->mmio[m->mmio_count++] = *range;
	for (gpa_t p = range->base; p < range->base + range->len; p += GUEST_PAGE)
		m->page_flags[p >> 12] = PAGE_MMIO;
	return 0;
}

void mem_on_announced(struct mem *m, u64 (*said)(void *arg), void *arg)
{
	m->said = said;
	m->said_arg = arg;
}

void mem_announce_table(struct mem *m, gpa_t gpa, bool is_table)
{
	if (gpa >= m->ram_size)
		return;
	m->page_flags[gpa >> 12] &= (u8)~PAGE_TABLE;
	m->page_flags[gpa >> 12] |= is_table ? PAGE_TABLE : 0;
}

u8 *mem_announced(struct mem *m, u8 *bit, u32 *pages)
{
	*bit = PAGE_TABLE;
	*pages = (u32)(m->ram_size >> 12);
	return m->page_flags;
}

void mem_forget_tables(struct mem *m)
{
	for (u64 i = 0; i < m->ram_size >> 12; i++)
		m->page_flags[i] &= (u8)~PAGE_TABLE;
}

void mem_protect_rom(struct mem *m, gpa_t base, u64 len)
{
	for (gpa_t p = base; p < base + len && p < m->ram_size; p += GUEST_PAGE)
		m->page_flags[p >> 12] |= PAGE_ROM;
	tlb_init(m);
}

static const struct mmio *find_mmio(const struct mem *m, gpa_t gpa)
{
	for (unsigned i = 0; i < m->mmio_count; i++)
		if (gpa - m->mmio[i].base < m->mmio[i].len)
			return &m->mmio[i];
	return NULL;
}

/* The widest naturally aligned piece of at most 4 bytes. */
static unsigned bus_cycle(gpa_t gpa, unsigned len)
{
	unsigned n = len >= 4 ? 4 : len >= 2 ? 2 : 1;

	while (gpa & (n - 1))
		n >>= 1;
	return n;
}

void mmio_read(struct mem *m, gpa_t gpa, void *buf, unsigned len)
{
	while (len) {
		const struct mmio *r = find_mmio(m, gpa);
		unsigned n = bus_cycle(gpa, len);
		u32 v = r ? r->read(r->dev, (u32)(gpa - r->base), n) : ~0u;

		TRACE(dev_mmio_read, .device = r ? r->name : "nothing",
		      .address = gpa, .size = (u8)n, .value = v);
		if (m->on_mmio)
			m->on_mmio(m->mmio_arg, gpa, n, false, v);
		copy_bytes(buf, &v, n);
		buf = (u8 *)buf + n;
		gpa += n;
		len -= n;
	}
}

void mmio_write(struct mem *m, gpa_t gpa, const void *buf, unsigned len)
{
	while (len) {
		const struct mmio *r = find_mmio(m, gpa);
		unsigned n = bus_cycle(gpa, len);
		u32 v = 0;

		copy_bytes(&v, buf, n);
		TRACE(dev_mmio_write, .device = r ? r->name : "nothing",
		      .address = gpa, .size = (u8)n, .value = v);
		if (r)
			r->write(r->dev, (u32)(gpa - r->base), n, v);
		if (m->on_mmio)
			m->on_mmio(m->mmio_arg, gpa, n, true, v);
		buf = (const u8 *)buf + n;
		gpa += n;
		len -= n;
	}
}

void mem_phys_read(struct mem *m, gpa_t gpa, void *buf, u64 len)
{
	while (len) {
		u64 n = GUEST_PAGE - (gpa & (GUEST_PAGE - 1));

		if (n > len)
			n = len;
		if (page_flags(m, gpa) & PAGE_RAM)
			copy_bytes(buf, m->ram + gpa, n);
		else
			mmio_read(m, gpa, buf, (unsigned)n);
		buf = (u8 *)buf + n;
		gpa += n;
		len -= n;
	}
}

void mem_phys_write(struct mem *m, gpa_t gpa, const void *buf, u64 len)
{
	while (len) {
		u64 n = GUEST_PAGE - (gpa & (GUEST_PAGE - 1));
		unsigned flags = page_flags(m, gpa);

		if (n > len)
			n = len;
		if (flags & PAGE_CODE)
			m->hooks.code_written(m->hooks.arg, gpa, n);
		if (!(flags & PAGE_RAM))
			mmio_write(m, gpa, buf, (unsigned)n);
		else if (!(flags & PAGE_ROM))
			copy_bytes(m->ram + gpa, buf, n);
		buf = (const u8 *)buf + n;
		gpa += n;
		len -= n;
	}
}
