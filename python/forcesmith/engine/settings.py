"""Settings of the engine: where tasks run, and on how many cores."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forcesmith.data.label_settings import Section

JobQueueType = Literal["htcondor", "lsf", "moab", "oar", "pbs", "sge", "slurm"]


class JobQueueSettings(BaseModel):
    """A batch system, by dask-jobqueue. Further keys are those of its cluster class, for example
    queue, account, walltime, memory, job_extra_directives, job_script_prologue."""

    model_config = ConfigDict(extra="allow")
    type: JobQueueType
    """Of the batch system."""
    jobs: int = Field(1, ge=1)
    """Jobs to submit; each starts its workers, which take tasks until the end."""
    cores: int = Field(1, ge=1)
    """Cores of a job."""


class EngineSettings(Section):
    """Where tasks run: by default on the cores of this machine."""

    cores: int | Literal["auto"] = "auto"
    """Of this machine, together for all that runs; "auto": all that this process may use."""
    scheduler: str | None = None
    """Address of a running scheduler of dask.distributed, such as "tcp://10.0.0.1:8786"."""
    jobqueue: JobQueueSettings | None = None
    """A batch system that starts the workers."""
    cores_per_worker: int = Field(1, ge=1)
    """Of workers elsewhere: a worker has one task at a time, and so many cores for it."""

    @model_validator(mode="before")
    @classmethod
    def _one_place(cls, given: Any) -> Any:
        if isinstance(given, dict):
            places = [key for key in ("cores", "scheduler", "jobqueue") if given.get(key)]
            if len(places) > 1:
                raise ValueError(
                    f"{' and '.join(places)} exclude each other: tasks run on this machine, on the "
                    "workers of a scheduler, or in the jobs of a batch system"
                )
        return given

    @model_validator(mode="after")
    def _cores_of_this_machine(self) -> EngineSettings:
        if self.cores != "auto" and self.cores < 1:
            raise ValueError(f"cores must be 1 or more, or auto, found {self.cores}")
        if self.cores_per_worker > 1 and self.scheduler is None and self.jobqueue is None:
            raise ValueError(
                "cores_per_worker is for workers elsewhere; on this machine, a task takes the "
                "cores that it asks for"
            )
        return self
