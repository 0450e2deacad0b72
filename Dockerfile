# The book and the notebooks in a container:  docker build -t adaptact . && docker run -p 8888:8888 adaptact
# Then open the address that it prints. Data sets: -v DIR:/home/reader/adaptact/data
FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make g++ && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home reader
USER reader
WORKDIR /home/reader/adaptact
COPY --chown=reader requirements.lock pyproject.toml README.md LICENSE Makefile ./
COPY --chown=reader adaptact adaptact
RUN make setup && rm -rf /home/reader/.cache
COPY --chown=reader . .
EXPOSE 8888
CMD [".venv/bin/jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]
