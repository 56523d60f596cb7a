#!/usr/bin/env bash
# Restores a folder of recordings as an array of jobs: sbatch pipelines/cluster/slurm.sh FILMS OUT [MORE]
#
# FILMS and OUT lie on a file system that all nodes share; MORE is for mdecomplete_ray, such as
# --set occlusion=auto. Each job restores its share of the recordings, and all write OUT/manifest.jsonl.
# Ray is not needed, but on each node `mdecomplete` (make install) and the Python package beside this
# file with fsspec. The same command again does what is left.
#
#SBATCH --job-name=mdecomplete
#SBATCH --array=0-399%40
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --output=mdecomplete-%A-%a.log
set -euo pipefail

films=${1:?usage: sbatch slurm.sh FILMS OUT [MORE]}
out=${2:?usage: sbatch slurm.sh FILMS OUT [MORE]}
shift 2

# More shares than run at once: the nodes that are done early take those that are left.
exec srun python3 -m mdecomplete_ray "$films" --out "$out" \
    --share "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --cpus "$SLURM_CPUS_PER_TASK" --preset dead-channel "$@"
