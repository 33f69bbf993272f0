# Changes settings of the kernel through /proc.
import os
from attack import holds, refused, write

for path in ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
             "/proc/sys/vm/overcommit_memory", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/fs/file-max",
             "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/self/uid_map", "/proc/self/gid_map",
             "/proc/self/setgroups", "/proc/self/attr/current", "/proc/self/loginuid", "/proc/self/coredump_filter",
             "/proc/self/timens_offsets", "/proc/1/oom_score_adj", "/proc/irq/0/smp_affinity", "/proc/mtrr"]:
    refused(f"write {path}", lambda: write(path, b"0"))
count = 0
for directory, _, files in os.walk("/proc/sys"):
    for name in files:
        path = os.path.join(directory, name)
        try:
            os.close(os.open(path, os.O_WRONLY))
            holds(f"open {path} for writing", False)
        except OSError:
            count += 1
holds("no setting can be written", count > 100, count)
holds("environments go first when memory is short", open("/proc/self/oom_score_adj").read() == "1000\n")
