/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel tests itself, as far as only it can; user/selftest.c does the
 * rest from outside.  One line per test, and the number of failures at the
 * end.
 */
#include "kernel.h"

static int failures;

static void report(bool passed, const char *what)
{
	printk("%s: kernel: %s\n", passed ? "PASS" : "FAIL", what);
	failures += !passed;
}

static void test_format(void)
{
	char text[64];

	format_text(text, sizeof(text), "%d|%5u|%-4s|%08x|%c|%%", -12, 42u,
		    "ab", 0xBEEFu, 'z');
	report(!strcmp(text, "-12|   42|ab  |0000beef|z|%"),
	       "numbers and fields are formatted");
	format_text(text, sizeof(text), "%llu", 12345678901234567890ull);
	report(!strcmp(text, "12345678901234567890"),
	       "64-bit numbers are divided correctly");
	report(format_text(text, 4, "%s", "too long") == 3 &&
	       !strcmp(text, "too"), "formatting stops at the buffer's end");
}

static void test_memory_functions(void)
{
	char bytes[] = "0123456789";

	memmove(bytes + 2, bytes, 6);
	report(!strcmp(bytes, "0101234589"), "memmove copies upwards");
	memmove(bytes, bytes + 2, 6);
	report(!strcmp(bytes, "0123454589"), "memmove copies downwards");
}

static void test_frames(void)
{
	u32 before = frames_free;
	u32 first = frame_alloc_zeroed(), second = frame_alloc();
	const u32 *words = phys_to_virt(first);
	u32 sum = 0;

	for (u32 i = 0; i < PAGE_SIZE / 4; i++)
		sum |= words[i];
	report(first && second && first != second && !sum,
	       "frames are distinct, and zeroed when asked for");
	frame_share(first);
	frame_release(first);
	report(frame_owners(first) == 1, "a shared frame outlives one owner");
	frame_release(first);
	frame_release(second);
	report(frames_free == before, "released frames come back");
}

static void test_paging(void)
{
	u32 *mine = page_entry(current->space.directory,
			       USER_STACK_TOP - PAGE_SIZE);
	u32 top = current->stack_top;
	u32 *stack = page_entry(kernel_directory, top - PAGE_SIZE);
	u32 *guard = page_entry(kernel_directory, top - 3 * PAGE_SIZE);

	report(mine && *mine & PTE_USER, "the program's stack is mapped");
	report(stack && *stack & PTE_PRESENT && !(*stack & PTE_USER),
	       "the kernel's stack is mapped, for the kernel alone");
	report(guard && !(*guard & PTE_PRESENT),
	       "an unmapped page guards the kernel's stack");
	report(!page_entry(current->space.directory, 0),
	       "the first page is not mapped");
}

static void test_interrupt_flag(void)
{
	bool on = interrupts_are_on();
	u32 outer = interrupts_off(), inner = interrupts_off();

	report(on && !interrupts_are_on(), "interrupts are on in system calls");
	interrupts_restore(inner);
	report(!interrupts_are_on(), "an inner restore leaves them off");
	interrupts_restore(outer);
	report(interrupts_are_on(), "the outer restore puts them on");
}

static void test_copying(void)
{
	char bytes[8];

	report(copy_from_user(bytes, (void *)0x1000, 8) == -E_FAULT,
	       "copying from nowhere fails and does no harm");
	report(copy_to_user((void *)kernel_start, bytes, 8) == -E_FAULT,
	       "a program cannot have us write to the kernel");
	report(copy_from_user(bytes, (void *)(PAGE_OFFSET - 4), 8) ==
	       -E_FAULT, "nor read across the border");
}

int sys_self_test(void)
{
	failures = 0;
	test_format();
	test_memory_functions();
	test_frames();
	test_paging();
	test_interrupt_flag();
	test_copying();
	return failures;
}
