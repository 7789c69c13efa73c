/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways out of a monitor that copies instructions: the host's system calls and
 * code segments, instructions that only 64-bit code or a newer processor has,
 * segment bases of the host's threads, transactions, and addresses that run
 * over the edge of 4 GiB in every way that an operand, a stack, a string or
 * the instruction pointer can.  All of it is the guest's own affair. */
#include "rt.h"

/* Linux on this host: user code of 64 bits is 33h, of 32 bits 23h, data 2Bh;
 * a thread's 32-bit TLS is 63h. Here they are the guest's, or nothing. */
static void segments_of_the_host(void)
{
	TRY(3, "jmp 0x33:0x401000");
	TRY(0, "jmp 0x33:0x401000");
	TRY(3, "call 0x33:0x401000");
	TRY(3, "push 0x33; push 0x401000; retf");
	TRY(0, "push 0x202; push 0x33; push 0x401000; iretd");
	TRY(3, "push 0x2b; push esp; pushfd; push 0x33; push 0x401000; iretd");
	TRY(3, "mov eax, 0x2b; mov ss, eax");
	TRY(3, "mov eax, 0x63; mov gs, eax");
	TRY(3, "mov eax, 0x6b; mov fs, eax");
	TRY(3, "xor eax, eax; mov fs, eax; mov eax, fs:[0x28]");
	TRY(3, "xor eax, eax; mov gs, eax; mov gs:[0], eax");
}

static void calls_of_the_host(void)
{
	TRY(3, "mov eax, 60; .byte 0x0f, 0x05"); /* SYSCALL */
	TRY(0, "mov eax, 60; .byte 0x0f, 0x05");
	TRY(0, ".byte 0x0f, 0x07");		     /* SYSRET */
	TRY(3, "mov eax, 1; int 0x80");
	TRY(3, "mov eax, 1; sysenter");
	TRY(0, "mov eax, 1; sysenter");
	TRY(0, ".byte 0x48, 0x0f, 0x05"); /* with what was REX */
}

/* In 64-bit mode they are instructions, or are others. */
static void of_64_bits(void)
{
	TRY(0, ".byte 0xf3, 0x0f, 0xae, 0xd0"); /* WRFSBASE eax */
	TRY(0, ".byte 0xf3, 0x0f, 0xae, 0xd8"); /* WRGSBASE eax */
	TRY(0, ".byte 0xf3, 0x0f, 0xae, 0xc0"); /* RDFSBASE eax */
	TRY(0, ".byte 0x0f, 0x01, 0xf8");	    /* SWAPGS */
	TRY(3, ".byte 0x48, 0x89, 0xc4");	    /* DEC eax; MOV esp, eax */
	TRY(3, ".byte 0x41, 0x54");		    /* INC ecx; PUSH esp: r12 */
	TRY(3, ".byte 0x4d, 0x31, 0xff");	    /* DEC ebp; XOR edi, edi: r15 */
	TRY(3, "mov esi, 0; .byte 0x49, 0x8b, 0x06"); /* DEC ecx; MOV eax, [esi] */
}

static void newer(void)
{
	TRY(3, ".byte 0x0f, 0x01, 0xd0");	   /* XGETBV */
	TRY(0, ".byte 0x0f, 0x01, 0xd1");	   /* XSETBV */
	TRY(3, ".byte 0x0f, 0xc7, 0x26");	   /* XSAVEC [esi] */
	TRY(3, ".byte 0x0f, 0x01, 0xee");	   /* RDPKRU */
	TRY(3, ".byte 0x0f, 0x01, 0xef");	   /* WRPKRU */
	TRY(0, ".byte 0x0f, 0x01, 0xca");	   /* CLAC */
	TRY(0, ".byte 0x0f, 0x01, 0xc1");	   /* VMCALL */
	TRY(0, ".byte 0x0f, 0x01, 0xd9");	   /* VMMCALL */
	TRY(3, ".byte 0x0f, 0x01, 0xd7");	   /* ENCLU */
	TRY(3, ".byte 0xc7, 0xf8, 0, 0, 0, 0"); /* XBEGIN */
	TRY(3, ".byte 0x0f, 0x01, 0xd5");	   /* XEND */
	TRY(3, ".byte 0xc6, 0xf8, 1");	   /* XABORT: a hint without */
	TRY(3, ".byte 0xc5, 0xf8, 0x77");	   /* VZEROUPPER */
	TRY(3, ".byte 0xc4, 0xe2, 0x78, 0xf2, 0xc1"); /* ANDN */
	TRY(3, ".byte 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00");
	TRY(0, ".byte 0x66, 0x0f, 0x38, 0x82, 0x00"); /* INVPCID */
	TRY(3, ".byte 0xf3, 0x0f, 0xc7, 0xf8");	  /* RDPID */
	TRY(3, ".byte 0xf3, 0x0f, 0xae, 0xf0");	  /* UMONITOR */
	TRY(0, ".byte 0xf3, 0x0f, 0x01, 0xe8");	  /* SETSSBSY */
	TRY(0, ".byte 0x0f, 0x01, 0xc8");		  /* MONITOR */
}

/* One state with an address near the edge in EBX, ESI, EDI or ESP. */
static void edge(const char *name, u32 code, u32 address, u32 count)
{
	struct state s = at(3, code), was;

	s.ebx = s.esi = s.edi = address;
	s.ecx = count;
	was = s;
	run(&s);
	print("%s from %x: vector %b cr2 %x eip +%b esi %x edi %x ecx %x\n", name,
	      address, (u8)s.vec, s.vec == 14 ? s.cr2 : 0, (u8)(s.eip - was.eip),
	      s.esi, s.edi, s.ecx);
}
#define EDGE(text, address, count) edge(text, FRAG(text), address, count)

/* With paging on nothing is mapped at either end but what the test says. */
static void edges(void)
{
	static const u32 from[] = {0xffffffff, 0xfffffffe, 0xfffffffd,
				   0xfffffff8, 0xfffffff1};

	for (unsigned i = 0; i < sizeof(from) / 4; i++) {
		u32 a = from[i];

		EDGE("mov eax, [ebx]", a, 0);
		EDGE("mov [ebx], eax", a, 0);
		EDGE("mov ax, [ebx]", a, 0);
		EDGE("add [ebx], eax", a, 0);
		EDGE("movups xmm0, [ebx]", a, 0);
		EDGE("movups [ebx], xmm0", a, 0);
		EDGE("fld tbyte ptr [ebx]", a, 0);
		EDGE("fstp tbyte ptr [ebx]", a, 0);
		EDGE("cmpxchg8b [ebx]", a, 0);
		EDGE("mov eax, [ebx + 0x7fffffff]", a, 0);
		EDGE("mov eax, [ebx - 0x80000000]", a, 0);
		EDGE("mov eax, [ebx + ebx*8 + 0x7fffffff]", a, 0);
		EDGE("rep movsd", a, 8);
		EDGE("rep stosb", a, 0x20);
		EDGE("std; rep stosd", a, 8);
		EDGE("rep lodsd", a, -1);
		EDGE("mov esp, ebx; push eax", a, 0);
		EDGE("mov esp, ebx; pop eax", a, 0);
		EDGE("mov esp, ebx; pushad", a, 0);
		EDGE("mov esp, ebx; call ebx", a, 0);
		EDGE("mov ebp, ebx; leave", a, 0);
		EDGE("jmp ebx", a, 0);
	}
	EDGE("xor esp, esp; push eax", 0, 0);
	EDGE("mov esp, 3; push eax", 0, 0);
	EDGE("mov esp, 1; enter 64, 31", 0, 0);
	EDGE("mov eax, [ebx - 1]", 0, 0);
	EDGE("mov eax, [ebx - 0x80000000]", 0, 0);
}

void test(void)
{
	set_cr4(get_cr4() | 0x600);
	segments_of_the_host();
	calls_of_the_host();
	of_64_bits();
	newer();
	paging_on();
	*pte(0) = 0;
	invlpg(0);
	edges();
}
