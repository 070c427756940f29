# docker build --file docker/cpu.Dockerfile --tag foresight:cpu .
# docker run --rm --volume "$PWD":/work foresight:cpu run --candidate 'dinov2*' --dataset coco:DIR -k spatial
FROM python:3.12-slim
COPY . /opt/foresight
# CPU builds of torch and torchvision alike; on an index that has none this line fails, and docker/cuda.Dockerfile runs on a CPU too.
ENV UV_TORCH_BACKEND=cpu
RUN pip install --no-cache-dir uv && cd /opt/foresight && uv pip install --system --no-cache --requirements docker/requirements.txt
RUN useradd --create-home foresight
USER foresight
WORKDIR /work
ENTRYPOINT ["foresight-bench"]
CMD ["--help"]
