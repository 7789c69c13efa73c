/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entry by multiboot, the trap of every vector, and run(): see rt.h.
 *
 * A trap pops its frame from whatever stack it was pushed on straight into
 * rt_s, so nothing is assumed of that stack: it may be 16-bit, have a base,
 * or hold no more than the frame. */
	.set KDS, 0x10
	.set ESP_, 16
	.set EIP_, 32
	.set FL_, 36
	.set CS_, 40
	.set SS_, 44
	.set DS_, 48
	.set ES_, 52
	.set FS_, 56
	.set GS_, 60
	.set VEC_, 64
	.set ERR_, 68
	.set CR2_, 72
	.set SIZE, 76
	.set rt_stack, 0x1702000  /* not in the image: tests may show them */
	.set rt_ustack, 0x1704000

	.text
	.align 4
	.long 0x1badb002, 0, -0x1badb002
	.globl _start, run, rt_s, rt_c_esp, rt_gdt, rt_idt, rt_tss, rt_tss2
	.globl rt_stack, rt_ustack, rt_stubs, rt_multiboot
_start:
	mov $rt_stack, %esp
	mov %ebx, rt_multiboot
	lgdt gdtr
	ljmp $8, $1f
1:	mov $KDS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	xor %eax, %eax
	lldt %ax
	push %eax
	popf
	call rt_main
2:	hlt
	jmp 2b

/* void run(struct state *) */
run:
	push %ebx
	push %ebp
	push %esi
	push %edi
	pushf
	mov 24(%esp), %esi
	mov $rt_s, %edi
	mov $SIZE / 4, %ecx
	cld
	rep movsl
	mov %esp, rt_c_esp
	testl $0x20000, rt_s + FL_
	jnz 3f
	mov rt_s + ES_, %es
	mov rt_s + FS_, %fs
	mov rt_s + GS_, %gs
	testb $3, rt_s + CS_
	jnz 4f
	mov rt_s + ESP_, %eax
	mov rt_s + SS_, %edx
	mov %eax, rt_pair
	mov %edx, rt_pair + 4
	lss rt_pair, %esp
	jmp 5f
3:	pushl rt_s + GS_
	pushl rt_s + FS_
	pushl rt_s + DS_
	pushl rt_s + ES_
4:	pushl rt_s + SS_
	pushl rt_s + ESP_
5:	pushl rt_s + FL_
	pushl rt_s + CS_
	pushl rt_s + EIP_
	mov rt_s + 0, %eax
	mov rt_s + 4, %ecx
	mov rt_s + 8, %edx
	mov rt_s + 12, %ebx
	mov rt_s + 20, %ebp
	mov rt_s + 24, %esi
	mov rt_s + 28, %edi
	testl $0x20000, rt_s + FL_
	jnz 6f
	mov rt_s + DS_, %ds
6:	iretl

trap:
	push %ds
	push %eax
	mov $KDS, %eax
	mov %eax, %ds
	popl rt_s + 0
	popl rt_s + DS_
	popl rt_s + VEC_
	popl rt_s + ERR_
	popl rt_s + EIP_
	popl rt_s + CS_
	popl rt_s + FL_
	mov %es, rt_s + ES_
	mov %fs, rt_s + FS_
	mov %gs, rt_s + GS_
	testl $0x20000, rt_s + FL_
	jnz 7f
	testb $3, rt_s + CS_
	jnz 8f
	mov %esp, rt_s + ESP_
	mov %ss, rt_s + SS_
	jmp 9f
7:	popl rt_s + ESP_
	popl rt_s + SS_
	popl rt_s + ES_
	popl rt_s + DS_
	popl rt_s + FS_
	popl rt_s + GS_
	jmp 9f
8:	popl rt_s + ESP_
	popl rt_s + SS_
9:	mov %ecx, rt_s + 4
	mov %edx, rt_s + 8
	mov %ebx, rt_s + 12
	mov %ebp, rt_s + 20
	mov %esi, rt_s + 24
	mov %edi, rt_s + 28
	mov %cr2, %eax
	mov %eax, rt_s + CR2_
	mov $KDS, %eax
	mov %eax, %ss
	mov rt_c_esp, %esp
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov 24(%esp), %edi
	mov $rt_s, %esi
	mov $SIZE / 4, %ecx
	cld
	rep movsl
	popf
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
	ret

	.set vector, 0
	.align 16
rt_stubs:
	.rept 256
	.align 16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17
	push $0
	.endif
	push $vector
	jmp trap
	.set vector, vector + 1
	.endr

	.data
	.align 8
gdtr:	.word 64 * 8 - 1
	.long rt_gdt
	.align 8
rt_gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
	.quad 0x00cffb000000ffff, 0x00cff3000000ffff
	.fill 59, 8, 0

	.bss
	.align 64
rt_idt:	.skip 2048
rt_tss:	.skip 8304
rt_tss2: .skip 8304
	.align 16
rt_s:	.skip SIZE
rt_c_esp: .skip 4
rt_multiboot: .skip 4
rt_pair: .skip 8
	.section .note.GNU-stack, "", @progbits
