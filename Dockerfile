# The book and the notebooks in a container:  docker build -t adaptact . && docker run -p 8888:8888 adaptact
# Then open the address that it prints. Data sets: -v DIR:/home/jovyan/data
#
# Binder, which takes a Dockerfile before an environment.yml, builds it too. It names the user and the number, wants the repository in
# the home folder and jupyter on the path, and gives a command of its own. Written by these rules, but never built or launched yet.
FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make g++ git && rm -rf /var/lib/apt/lists/*
ARG NB_USER=jovyan
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER} SHELL=/bin/bash
ENV PATH=${HOME}/.venv/bin:${PATH}
RUN useradd --create-home --uid ${NB_UID} --shell ${SHELL} ${NB_USER}
WORKDIR ${HOME}
USER ${NB_USER}
COPY --chown=${NB_UID} requirements.lock pyproject.toml README.md LICENSE Makefile ./
COPY --chown=${NB_UID} adaptact adaptact
RUN make setup && rm -rf .cache
COPY --chown=${NB_UID} . .
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]
